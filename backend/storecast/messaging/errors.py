"""What may be wrong with a request about templates."""

from storecast.kit.errors import Conflict, NotFound


class TemplateUnknown(NotFound):
    code = "template_unknown"
    title = "There is no such template"


class TemplateNameTaken(Conflict):
    code = "template_name_taken"
    title = "Another template has this name"


class TemplateChanged(Conflict):
    code = "version_conflict"
    title = "Somebody changed the template meanwhile"
