"""What messaging refuses."""

from storecast.kit.errors import Conflict, NotFound, Retryable


class TemplateUnknown(NotFound):
    code = "template_unknown"
    title = "There is no such template"


class TemplateNameTaken(Conflict):
    code = "template_name_taken"
    title = "Another template has this name"


class TemplateChanged(Conflict):
    code = "version_conflict"
    title = "Somebody changed the template meanwhile"


class SendingDomainUnknown(NotFound):
    """The shop has no such domain."""

    code = "sending_domain_unknown"
    title = "There is no such sending domain."


class SendingDomainTaken(Conflict):
    """The shop has the domain already."""

    code = "sending_domain_taken"
    title = "This domain is on the list already."


class TooManySendingDomains(Conflict):
    """Each is looked up every day."""

    code = "too_many_sending_domains"
    title = "A store can have this many sending domains at most."


class RotationUnderWay(Conflict):
    """The keys before have not been published yet."""

    code = "rotation_under_way"
    title = "New keys wait to be published already."


class DnsUnavailable(Retryable):
    """No name server answered, or not in a way that says what there is."""

    code = "dns_unavailable"
    title = "The domain name system does not answer; try again soon"


class SendingChannelUnknown(NotFound):
    """The shop has no such channel."""

    code = "sending_channel_unknown"
    title = "There is no such channel."


class TooManySendingChannels(Conflict):
    """A batch goes through all of them in turn when they fail."""

    code = "too_many_sending_channels"
    title = "A store can have this many channels at most."
