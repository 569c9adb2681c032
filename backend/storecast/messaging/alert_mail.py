"""Alerts as mail: plain text, untracked, over a connection of its own.

The same alert has the same Message-ID each time it is sent, so that one that went out twice can be told.
"""

from urllib.parse import urlsplit

from storecast.config.settings import get_settings
from storecast.fleet.alert_channels import Message, register_mail
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent, Retryable
from storecast.messaging import delivery, headers, quoted_printable
from storecast.messaging.channels.protocol import ChannelUnavailable, Verdict
from storecast.messaging.compose import Prepared


@register_mail
def send(address: str, message: Message) -> None:
    """Send one alert; raises Retryable while the server does not take it, Permanent when it never will.

    Not over the connections that campaigns share: the API's threads send test messages side by side.
    """
    prepared = compose(address, message)
    try:
        with delivery.opened(delivery.installation_route()) as channel:
            (outcome,) = channel.send([prepared])
    except ChannelUnavailable as error:
        raise Retryable(str(error)) from error
    reply = f"{outcome.code} {outcome.reply}" if outcome.code else outcome.reply
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return
        case Verdict.PERMANENT:
            raise Permanent(f"The mail server refused the message: {reply}")
        case Verdict.TEMPORARY | Verdict.UNKNOWN:
            # An alert that may have arrived is sent again: twice is better than not at all.
            raise Retryable(f"The mail server did not take the message: {reply}")


def compose(address: str, message: Message) -> Prepared:
    """The message as bytes; raises Permanent for an address that cannot be written to."""
    recipient = headers.find_address(address)
    if recipient is None:
        raise Permanent("This address cannot be written to.")
    own = f"alerts@{urlsplit(get_settings().shopify_app_url).hostname or 'localhost'}"
    sender = headers.find_address(message.sender_email or "") or own
    message_id = f"{message.id}@{sender.rpartition('@')[2]}"
    data = b"".join(
        (
            headers.mailbox("From", message.sender_name, sender),
            headers.date(utcnow()),
            f"Message-ID: <{message_id}>\r\nTo: {recipient}\r\n".encode(),
            headers.unstructured("Subject", message.subject),
            # Nobody's absence should answer an alert (RFC 3834).
            b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            quoted_printable.encode(f"{message.text}\n\n{message.link}\n"),
            b"\r\n",
        )
    )
    return Prepared(0, sender, recipient, data, message_id)
