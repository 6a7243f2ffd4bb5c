/* What lists of several verbs share. */
#ifndef XD_POSIX_CLI_LISTS_H
#define XD_POSIX_CLI_LISTS_H

#include "posix/cli/cli.h"
#include "posix/cli/table.h"

/* --limit as text, checked. 0 or the exit status. */
int xd_cli_limit(const struct xd_cli *cli, const char **limit);
/* The line that says how to go on, when the list was cut: the same command with its options, and the cursor.
 */
void xd_cli_more(struct xd_cli *cli, const cJSON *tree);
void xd_cli_more_from(struct xd_cli *cli, const char *cursor); /* NULL: it was not cut */
/* A cell: how long ago time (RFC 3339, NULL allowed) is. */
void xd_cli_age_since(const struct xd_cli *cli, struct xd_table *table, const char *time);
/* A line for each site, or that there is none. */
void xd_cli_write_sites(struct xd_cli *cli, const cJSON *sites);

#endif
