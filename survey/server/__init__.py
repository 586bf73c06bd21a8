"""The rating app: a web server that shows tasks to raters, keeps every change, and tells the operator how it goes."""
