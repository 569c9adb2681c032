"""What messaging refuses."""

from storecast.kit.errors import Conflict, Forbidden, Invalid, NotFound, Retryable


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


class ReturnsAddressUnknown(NotFound):
    """Nobody was given this address."""

    code = "returns_address_unknown"
    title = "Nothing comes back through this address"


class ReturnRefused(Forbidden):
    """It does not prove that it comes from the provider."""

    code = "return_refused"
    title = "This does not come from who should send it"


class ReturnUnreadable(Invalid):
    """The provider signed it, and it says nothing that we know."""

    code = "return_unreadable"
    title = "This is no report of a known form"


class SuppressionUnknown(NotFound):
    """No such address is on the list."""

    code = "suppression_unknown"
    title = "This address is not on the list"


class TopicUnknown(NotFound):
    """The shop has no such topic."""

    code = "topic_unknown"
    title = "There is no such topic"


class TopicNameTaken(Conflict):
    """Recipients could not tell the two apart."""

    code = "topic_name_taken"
    title = "Another topic has this name"


class TooManyTopics(Conflict):
    """Nobody reads through more."""

    code = "too_many_topics"
    title = "A store can have this many topics at most"
