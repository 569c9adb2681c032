"""Mail that comes back, in the shapes that servers give it: ``{path}`` is the return path, ``{link}`` the link in it.

Hosts, addresses and queue numbers are made up; the wording, the fields and their order are the programs' own.
"""

ORIGINAL_HEADERS = """\
Return-Path: <{path}>
Received: by mx.acme.example (Postfix) id 4Xk2; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)
From: "Acme" <news@acme.example>
To: zoe@example.com
Subject: Hi
Message-ID: <c41.d4242.aabb@acme.example>
List-Unsubscribe: <{link}>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
"""


def report(head: str, words: str, kind: str, fields: str, *, original: str = ORIGINAL_HEADERS) -> str:
    """A multipart/report with the three usual parts."""
    mail = f"""{head}
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind.removeprefix("message/")};
 boundary="4Xk2.1763719200/mx.example.com"

This is a MIME-encapsulated message.

--4Xk2.1763719200/mx.example.com
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

{words}

--4Xk2.1763719200/mx.example.com
Content-Description: Report
Content-Type: {kind}

{fields}
--4Xk2.1763719200/mx.example.com
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{original}
--4Xk2.1763719200/mx.example.com--
"""
    return mail.replace("\n", "\r\n")


def dsn(
    fields: str, *, sender: str = "MAILER-DAEMON@mx.example.com (Mail Delivery System)", **more: str
) -> str:
    """A delivery status notification addressed to the return path."""
    head = f"From: {sender}\nTo: {{path}}\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied"
    reporter = (
        f"Reporting-MTA: dns; mx.example.com\nArrival-Date: Sat, 21 Nov 2026 10:00:00 +0000\n\n{fields}\n"
    )
    return report(head, "The mail could not be delivered.", "message/delivery-status", reporter, **more)


POSTFIX_UNKNOWN = dsn(
    """Final-Recipient: rfc822; zoe@example.com
Original-Recipient: rfc822;zoe@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp; 550 5.1.1 <zoe@example.com>: Recipient address rejected:
    User unknown in virtual mailbox table"""
)
POSTFIX_EXPIRED = dsn(
    """Final-Recipient: rfc822; zoe@example.com
Action: failed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mail.example.com[192.0.2.1]:25: Connection timed out"""
)
POSTFIX_NO_DOMAIN = dsn(
    """Final-Recipient: rfc822; zoe@example.com
Action: failed
Status: 5.4.4
Diagnostic-Code: X-Postfix; Host or domain name not found. Name service error for
    name=example.com type=AAAA: Host not found"""
)
POSTFIX_DELAYED = dsn(
    """Final-Recipient: rfc822; zoe@example.com
Action: delayed
Status: 4.2.2
Will-Retry-Until: Thu, 26 Nov 2026 10:00:00 +0000
Diagnostic-Code: smtp; 452 4.2.2 Mailbox full"""
)
POSTFIX_DELIVERED = dsn("Final-Recipient: rfc822; zoe@example.com\nAction: delivered\nStatus: 2.0.0")
GMAIL_UNKNOWN = dsn(
    """Final-Recipient: rfc822; zoe@gmail.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com. (2a00:1450:4010:c0f::1a, the server
 for the domain gmail.com.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try
 550-5.1.1 double-checking the recipient's email address for typos or
 550 5.1.1 unnecessary spaces. gsmtp
Last-Attempt-Date: Sat, 21 Nov 2026 02:00:01 -0800 (PST)""",
    sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
)
GMAIL_FULL = dsn(
    """Final-Recipient: rfc822; zoe@gmail.com
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552-5.2.2 The recipient's inbox is out of storage space. gsmtp"""
)
GMAIL_BLOCK = dsn(
    """Final-Recipient: rfc822; zoe@gmail.com
Action: failed
Status: 5.7.1
Diagnostic-Code: smtp; 550-5.7.1 [192.0.2.9] Our system has detected that this message is likely
 unsolicited mail. gsmtp"""
)
EXCHANGE_UNKNOWN = dsn(
    """Final-Recipient: rfc822;zoe@example.com
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient zoe@example.com not found by SMTP address
 lookup
X-Display-Name: zoe@example.com""",
    sender='"Microsoft Outlook" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.com>',
)
EXCHANGE_ACCESS_DENIED = dsn(
    """Final-Recipient: rfc822;zoe@example.com
Action: failed
Status: 5.4.1
Diagnostic-Code: smtp;550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"""
)
OUTLOOK_VAGUE = dsn(
    """Final-Recipient: rfc822;zoe@outlook.com
Action: failed
Status: 5.5.0
Diagnostic-Code: smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."""
)
OUTLOOK_NO_AUTH = dsn(
    """Final-Recipient: rfc822;zoe@outlook.com
Action: failed
Status: 5.7.515
Diagnostic-Code: smtp;550 5.7.515 Access denied, sending domain acme.example does not meet the required
 authentication level."""
)
YAHOO_DISABLED = dsn(
    """Final-Recipient: rfc822; zoe@yahoo.com
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 554 30 Sorry, your message to zoe@yahoo.com cannot be delivered. This mailbox is disabled
 (554.30)."""
)
GREYLISTED_FOR_GOOD = dsn(
    """Final-Recipient: rfc822; zoe@example.com
Action: failed
Status: 4.7.1
Diagnostic-Code: smtp; 450 4.7.1 Client host rejected: cannot find your reverse hostname"""
)
LOWER_CASE_FIELDS = dsn(
    "final-recipient: RFC822; zoe@example.com\naction: FAILED\nstatus: 5.1.1 (bad destination mailbox address)"
)
INTERNATIONAL = POSTFIX_UNKNOWN.replace("message/delivery-status", "message/global-delivery-status").replace(
    "rfc822; zoe@example.com", "utf-8; zoë@example.com"
)
EXIM_OLD = """\
Return-path: <>
Envelope-to: {path}
Received: from Debian-exim by mx.example.com with local (Exim 4.97)
X-Failed-Recipients: zoe@example.com
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.com>
To: {path}
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  zoe@example.com
    host mail.example.com [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<zoe@example.com>:
    550 5.1.1 <zoe@example.com>: Recipient address rejected: User unknown
""".replace("\n", "\r\n")
EXIM_UNROUTEABLE = EXIM_OLD[: EXIM_OLD.index("    host mail")] + "    Unrouteable address\r\n"
QMAIL = """\
From: MAILER-DAEMON@mx.example.com
To: {path}
Subject: failure notice

Hi. This is the qmail-send program at mx.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<zoe@example.com>:
192.0.2.1 does not like recipient.
Remote host said: 550 sorry, no mailbox here by that name. (#5.1.1)
Giving up on 192.0.2.1.
""".replace("\n", "\r\n")


def feedback(kind: str, source: str) -> str:
    """A complaint as RFC 5965 has it."""
    head = f"From: {source}\nTo: fbl@acme.example\nSubject: FW: Hi"
    fields = f"""Feedback-Type: {kind}
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 0.1
Original-Mail-From: <{{path}}>
Original-Rcpt-To: zoe@yahoo.com
Received-Date: Sat, 21 Nov 2026 10:00:00 UTC
Reported-Domain: acme.example
"""
    return report(head, "This is an email abuse report.", "message/feedback-report", fields)


YAHOO_COMPLAINT = feedback("abuse", "Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.com>")
NOT_SPAM = feedback("not-spam", "feedback@arf.example")
AUTH_FAILURE = feedback("auth-failure", "feedback@arf.example")
JMRP_COMPLAINT = """\
From: staff@hotmail.com
To: fbl@acme.example
Subject: complaint about message from 192.0.2.9
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="jmrp"

--jmrp
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: zoe@hotmail.com
From: "Acme" <news@acme.example>
To: zoe@hotmail.com
Subject: Hi
List-Unsubscribe: <{link}>

Hello
--jmrp--
""".replace("\n", "\r\n")

ABSENCE = """\
From: Zoe <zoe@example.com>
To: {path}
Subject: Out of office
Auto-Submitted: auto-replied

I am away. Mail to my old address 550 5.1.1 does not exist any more.
""".replace("\n", "\r\n")
PERSON = """\
From: Zoe <zoe@example.com>
To: {path}
Subject: Re: Hi

Delivery failed? Please do not write again.
""".replace("\n", "\r\n")


def filled(mail: str, *, path: str, link: str = "https://e.example/nothing") -> bytes:
    """The mail as bytes, about one message."""
    return mail.replace("{path}", path).replace("{link}", link).encode()
