"""The only room with SQLAlchemy and the object store: tables, unit of work, outbox, claims, objects."""
