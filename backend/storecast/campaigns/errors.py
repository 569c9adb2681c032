"""What may be wrong with a request about a campaign."""

from storecast.kit.errors import Conflict, Forbidden, NotFound


class CampaignUnknown(NotFound):
    code = "campaign_unknown"
    title = "There is no such campaign"


class VersionConflict(Conflict):
    """``facts["version"]`` is the current one: nothing of either edit is lost, the second is refused."""

    code = "version_conflict"
    title = "Somebody else changed this campaign meanwhile"


class CampaignLocked(Conflict):
    code = "campaign_locked"
    title = "The content cannot change once a campaign is scheduled or sent"


class StateRefused(Conflict):
    code = "state_refused"
    title = "The campaign's state does not allow this"


class NotReady(Conflict):
    """``facts["checks"]`` holds the checks that stop the campaign."""

    code = "campaign_not_ready"
    title = "The campaign is not ready to be sent"


class TransactionalRefused(Forbidden):
    code = "transactional_refused"
    title = "Only an owner or an administrator sends to people who have not subscribed"


class AudienceChanged(Conflict):
    """``facts`` holds the number that was confirmed and the one that it is now."""

    code = "audience_changed"
    title = "The audience has changed since it was confirmed"


class TestRefused(Conflict):
    __test__ = False

    code = "test_refused"
    title = "The test mail cannot be made"


class VariantUnknown(NotFound):
    code = "variant_unknown"
    title = "The campaign has no such version"


class NobodyLeft(Conflict):
    code = "nobody_left"
    title = "Nobody is left whom this could go to"


class DiscountUnknown(NotFound):
    code = "discount_unknown"
    title = "There is no such discount"


class DiscountBusy(Conflict):
    code = "discount_busy"
    title = "The discount's codes are being made, or could not be"
