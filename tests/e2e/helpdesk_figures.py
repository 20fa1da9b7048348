"""The key figures of the help desk's log, as they are known from elsewhere: how long its 4,580 cases took."""

from tests.e2e.harness import Client

DAY = 86_400
FIGURES = """{
  ended: metrics(openJourneys: ENDED_AT_LAST_ACTIVITY) { journeys {
    total byStatus { status count } converted
    duration { count mean { value } median { value } p90 { value } }
    durationWithin(days: [40, 45]) { days count share { value } } } }
  running: metrics { journeys { duration { count } completionRate { value } } steps { completed automatic }
    handoffs { success { value reason } } }
  sla { rows { met } journeys { compliance { value reason } } }
  cohorts { total { size } } }"""


async def took_as_long_as_is_known(api: Client) -> None:
    """Whoever asks is in the tenant that the log was imported for."""
    found = await api.ask(FIGURES)
    journeys = found["ended"]["journeys"]
    counts = {each["status"]: each["count"] for each in journeys["byStatus"]}
    assert journeys["total"] == journeys["duration"]["count"] == 4_580
    assert f"{journeys['duration']['mean']['value'] / DAY:.3f}" == "40.858"
    assert f"{journeys['duration']['median']['value'] / DAY:.3f}" == "39.859"
    assert [each["count"] for each in journeys["durationWithin"]] == [2_319, 3_214]
    running = found["running"]
    assert running["journeys"]["duration"]["count"] == counts["COMPLETED"] < 4_580
    assert running["journeys"]["completionRate"]["value"] == 1.0
    assert (running["steps"]["completed"], running["steps"]["automatic"]) == (21_348, 0)
    assert running["handoffs"]["success"]["value"] is None
    assert found["sla"]["rows"] == []  # imported history promises nothing
    assert found["sla"]["journeys"]["compliance"]["reason"]
    assert found["cohorts"]["total"]["size"] == 0
