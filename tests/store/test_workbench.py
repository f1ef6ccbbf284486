"""Long work on a SQLite file, and what its connection is like for whoever gets it next."""

from portal.store.engine import CACHE_KIB, Database
from portal.store.workbench import open_workbench


def cache(connection) -> int:
    return -connection.exec_driver_sql("PRAGMA cache_size").scalar_one()


def test_long_work_has_a_big_cache_and_gives_it_back(sqlite_database: Database):
    with open_workbench(sqlite_database) as bench:
        assert cache(bench.connection) > 10 * CACHE_KIB
    with sqlite_database.read() as connection:
        assert cache(connection) == CACHE_KIB
