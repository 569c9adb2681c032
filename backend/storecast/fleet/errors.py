"""What the fleet refuses."""

from storecast.kit.errors import Conflict, NotFound


class ProcessUnknown(NotFound):
    """No process of that name has been heard of lately."""

    code = "process_unknown"
    title = "There is no such process."


class ProcessNotReachable(Conflict):
    """A process that is lost cannot do what it is asked."""

    code = "process_not_reachable"
    title = "The process does not answer."


class ProcessTakesNoCommands(Conflict):
    """Only workers can be drained, stopped or resized."""

    code = "process_takes_no_commands"
    title = "Only workers take commands."


class AlertRuleUnknown(NotFound):
    """The shop, or the operators, have no such rule."""

    code = "alert_rule_unknown"
    title = "There is no such rule."


class AlertChannelUnknown(NotFound):
    """The shop, or the operators, have no such channel."""

    code = "alert_channel_unknown"
    title = "There is no such channel."


class TooManyAlertRules(Conflict):
    """Every rule is looked at twice a minute."""

    code = "too_many_alert_rules"
    title = "There are as many rules as there may be."


class TooManyAlertChannels(Conflict):
    """A rule can tell ten channels; nobody reads more."""

    code = "too_many_alert_channels"
    title = "There are as many channels as there may be."
