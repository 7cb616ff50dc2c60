"""The only room with SQLAlchemy and the object store: tables, unit of work, outbox, claims, objects.

``engine.open_store(url, cipher)`` gives a :class:`~certsvc.store.engine.Store` whose ``uow`` implements the ports of
``commands/store_ports.py``; ``migrate.upgrade(url)`` makes its tables; ``objects_dir.DirectoryObjectStore`` keeps
files.
"""
