/* The two ways to the tables of today: at once, and from those of an older program, step by step.
 * Texts of SQL, executed in order. */
#ifndef XD_SQLITE_SCHEMA_H
#define XD_SQLITE_SCHEMA_H

#include <stddef.h>

/* NULL-terminated. */
extern const char *const xd_schema_site_tables[];
extern const char *const xd_schema_hub_tables[];

#define XD_SCHEMA_PARTS 8

struct xd_schema_step {
    const char *parts[XD_SCHEMA_PARTS]; /* NULL-terminated */
};

struct xd_schema_steps {
    const struct xd_schema_step *steps; /* the n-th, from 0, leads from version n to n + 1 */
    size_t count;                       /* the version of today */
};

extern const struct xd_schema_steps xd_schema_site_steps, xd_schema_hub_steps;

#endif
