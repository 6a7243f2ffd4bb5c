/* What the verbs of an agent share: its configuration and its database. */
#ifndef XD_POSIX_CLI_AGENT_H
#define XD_POSIX_CLI_AGENT_H

#include "posix/cli/cli.h"
#include "posix/config/agent_config.h"
#include "sqlite/database.h"

#define XD_CLI_PATH_SIZE 4096u

/* Reads the file that --config names. 0, or the exit status and a complaint was told. Free out in either case
 * (xd_agent_config_free). */
int xd_cli_agent_config(struct xd_cli *cli, struct xd_agent_config *out);
/* Opens the agent's database for reading, whether it runs or not; path gets its name. 0, or as above. */
int xd_cli_agent_database(const struct xd_agent_config *config, struct xd_database **out,
                          char path[XD_CLI_PATH_SIZE]);

#endif
