"""The types of the API. Its enumerations are described before any type names one, whatever is imported first."""

from schema import enums, handoff_enums, report_enums, trigger_enums

__all__ = ["enums", "handoff_enums", "report_enums", "trigger_enums"]
