"""Every query about sources, also of whoever reports at the address of one, has its index."""

from tests.storage.service import Service, check


async def test_what_is_read_and_set_of_sources_is_served_by_indexes(service: Service) -> None:
    for name in ("/shop", "/bank"):
        for _ in range(2):
            given = {"name": name, "idempotencyKey": name}
            await service.do("createSource", "CreateSourceInput", **given)
    found = await service.ask("{ sources { id } }")
    ids = [each["id"] for each in found["sources"]]
    assert len(ids) == 2
    for secret in "ab":
        rotated = {"id": ids[0], "secret": f"whsec_{secret * 32}", "idempotencyKey": secret}
        for _ in range(2):
            await service.do("rotateSourceSecret", "RotateSourceSecretInput", **rotated)
    await service.do("changeSource", "ChangeSourceInput", id=ids[0], description="x")
    await service.do("disableSource", "DisableSourceInput", id=ids[0])
    await service.do("enableSource", "SourceInput", id=ids[0])
    assert await service.store.sources.find(ids[0]) is not None
    await service.do("deleteSource", "SourceInput", id=ids[0])
    assert await service.store.sources.find(ids[0]) is None
    query = "query($id: ID!, $ids: [ID!]!) { source(id: $id) { id } nodes(ids: $ids) { id } }"
    await service.ask(query, {"id": ids[1], "ids": ids})
    await check(service)
