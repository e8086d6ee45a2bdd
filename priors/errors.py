"""The one exception that means "your input, not our bug"."""


class InputError(ValueError):
    """Bad input: the message is one sentence saying what was wrong, where, and what to do.

    The command line prints it on stderr and exits with status 2.
    """
