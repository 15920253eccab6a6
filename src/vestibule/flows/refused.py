"""What an administrative flow says when it will not do what was asked: a text for the person who asked."""


class Refused(Exception):
    """Nothing was changed. The text says what is wrong and what to do; `fields` names the arguments it is about."""

    def __init__(self, text: str, *fields: str) -> None:
        """Say `text`."""
        super().__init__(text)
        self.text = text
        self.fields = fields


class Missing(Refused):
    """There is nothing of the name or id that was given."""
