# SPDX-License-Identifier: Apache-2.0
"""How a script says that it failed (not a command)."""


class Failure(Exception):
    """What could not be done, in one line; code 1: something does not hold, 2: bad usage or a
    missing program."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
