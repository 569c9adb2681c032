"""How much of a shop's mail may come back, or be called spam, before sending more does harm."""

from typing import NamedTuple

MAX_COMPLAINT_SHARE = 0.003
"""Gmail and Yahoo stop delivering to the inbox from senders whom more people call spam than this."""

COMPLAINTS_JUDGED_FROM = 3
"""One complaint in a hundred messages is 1 %, and says nothing."""

MAX_RETURNED_SHARE = 0.05

RETURNS_JUDGED_FROM = 20


class Returned(NamedTuple):
    """Messages that servers took, and how many of them came back for good or were complained about."""

    accepted: int
    bounced: int
    complained: int

    @property
    def can_be_judged(self) -> bool:
        """Whether anything of it is more than chance."""
        return self.complained >= COMPLAINTS_JUDGED_FROM or self.bounced >= RETURNS_JUDGED_FROM


def too_many_returns(returned: Returned) -> str | None:
    """Why so many returns should stop a campaign, None when they are fine."""
    accepted, bounced, complained = returned
    if is_over(complained, accepted, MAX_COMPLAINT_SHARE, COMPLAINTS_JUDGED_FROM):
        return f"complaint_rate: {complained} of {accepted} recipients called it spam"
    if is_over(bounced, accepted, MAX_RETURNED_SHARE, RETURNS_JUDGED_FROM):
        return f"bounce_rate: {bounced} of {accepted} addresses do not exist"
    return None


def is_over(count: int, accepted: int, share: float, judged_from: int) -> bool:
    """Whether a count is both worth judging and more than its share."""
    return count >= judged_from and count > share * accepted
