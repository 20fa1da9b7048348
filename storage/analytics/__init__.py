"""The analytics over a tenant's data: pipelines that do what `domain/analytics` says of one unit."""
