"""The one error for bad input."""

from mix2mix.errors import InputError


def test_the_message_says_what_got_expected_and_what_to_do() -> None:
    error = InputError("scene cat", got="no such folder", expected="a folder", fix="Check the path.")
    assert str(error) == "scene cat: got no such folder; expected a folder. Check the path."
    assert (error.what, error.got, error.expected, error.fix) == (
        "scene cat",
        "no such folder",
        "a folder",
        "Check the path.",
    )


def test_it_is_a_value_error() -> None:
    assert issubclass(InputError, ValueError)
