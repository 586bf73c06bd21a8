"""The one error that a user can mend: a bad input, told in one message."""


class InputError(ValueError):
    """A bad input: what it concerns, what was given, what was expected and how to mend it."""

    def __init__(self, what: str, *, got: object, expected: str, fix: str) -> None:
        super().__init__(f"{what}: got {got}; expected {expected}. {fix}")
        self.what = what
        self.got = got
        self.expected = expected
        self.fix = fix
