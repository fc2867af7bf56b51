"""Senlin's daemons, with two of its faults mended, so that it can be compared at its best.

Usage: senlin_daemon.py api|conductor|engine --config-file FILE
"""

import importlib
import sys

import senlin.cmd  # noqa: F401 - patches the standard library for green threads; before all else.
import sqlalchemy

# Loaded lazily otherwise, by green threads at the same time: some find modules half loaded.
import openstack.connection  # noqa: F401
from keystoneauth1.loading._plugins.identity import generic, v2, v3  # noqa: F401
from sqlalchemy import event, exc, pool

# Senlin's queries outlive their sessions, so that the garbage collector gives their connections back,
# sometimes within the event loop, where a rollback must not wait: connections are lost that way.
# So the rollback is done by whoever takes a connection next.
_create_engine = sqlalchemy.create_engine


def _create_without_reset(url, **options):
    return _create_engine(url, **{**options, "pool_reset_on_return": None})


sqlalchemy.create_engine = _create_without_reset


@event.listens_for(pool.Pool, "checkout")
def _roll_back(connection, _record, _proxy):
    try:
        connection.rollback()
    except Exception as error:
        raise exc.DisconnectionError() from error


kind = sys.argv.pop(1)
sys.argv[0] = f"senlin-{kind}"
sys.exit(importlib.import_module(f"senlin.cmd.{kind}").main())
