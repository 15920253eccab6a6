"""PostgreSQL: several nodes on one database. Everything that only this database needs is in this folder."""
