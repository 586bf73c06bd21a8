"""The commands of `mix2mix`, one a module: each says what it takes, and imports what it needs when it runs."""
