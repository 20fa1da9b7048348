"""What has an id of its own."""

import strawberry


@strawberry.interface(description="Anything that can be found again by its id.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The object's id in the tenant; its beginning tells the type: jrn_, hof_, inc_, pkg_, src_, "
        "tpl_, tch_, cnv_, trg_, fir_, cst_, exp_, whk_ or dlv_."
    )
