/* From an ERP's configuration to its connector: one row for each type. */
#ifndef XD_POSIX_HUB_HUB_ERP_TYPES_H
#define XD_POSIX_HUB_HUB_ERP_TYPES_H

#include "hub/erp.h"
#include "posix/config/hub_config.h"

/* All three: why is a line for people, `file:line: what`. state_dir: where a connector may keep a file of its
 * own. */

/* Of what it reads at its start; makes and changes nothing. */
XD_CHECKED enum xd_result xd_erp_type_check(const struct xd_hub_config_erp *config, const char *state_dir,
                                            char *why, size_t why_size);
/* Once, before its workers. */
XD_CHECKED enum xd_result xd_erp_type_prepare(const struct xd_hub_config_erp *config, const char *state_dir,
                                              char *why, size_t why_size);
/* For one worker, which closes it. The configuration MUST stay until then. */
XD_CHECKED enum xd_result xd_erp_type_open(const struct xd_hub_config_erp *config, const char *state_dir,
                                           struct xd_erp *out, char *why, size_t why_size);

#endif
