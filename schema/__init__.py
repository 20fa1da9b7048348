"""The types of the API. Its enumerations are described before any type names one, whatever is imported first."""

from schema import enums, export_enums, handoff_enums, report_enums, trigger_enums

__all__ = ["enums", "export_enums", "handoff_enums", "report_enums", "trigger_enums"]
