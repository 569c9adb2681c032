"""What may be wrong with a request about privacy requests."""

from storecast.kit.errors import Conflict, NotFound, TooMany


class RequestUnknown(NotFound):
    code = "privacy_request_unknown"
    title = "There is no such privacy request"


class ArchiveGone(NotFound):
    code = "privacy_archive_gone"
    title = "There is no archive to download: make it again"


class LinkInvalid(NotFound):
    code = "privacy_link_invalid"
    title = "The link is over or not one of ours"


class PassphraseShown(Conflict):
    code = "privacy_passphrase_shown"
    title = "The passphrase was shown already; make the archive again for a new one"


class NotRepeatable(Conflict):
    code = "privacy_request_not_repeatable"
    title = "What was done stays done; the person's details are gone"


class DownloadedTooOften(TooMany):
    code = "privacy_downloads_exhausted"
    title = "The archive was downloaded too often; try again in an hour"
