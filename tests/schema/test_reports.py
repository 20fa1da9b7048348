"""What every query of a report has, whoever adds one."""

from graphql import GraphQLNonNull

from app.graphql import build


def test_a_report_that_is_refused_leaves_the_others_of_its_query() -> None:
    queries = build()._schema.query_type
    assert queries is not None
    reports = {name: field.type for name, field in queries.fields.items() if "report" in field.args}
    assert len(reports) > 10
    assert [name for name, kind in reports.items() if isinstance(kind, GraphQLNonNull)] == []
