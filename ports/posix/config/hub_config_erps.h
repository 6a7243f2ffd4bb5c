/* The part of hub.yaml that is of ERPs. Inside the configuration module only. */
#ifndef XD_POSIX_CONFIG_HUB_CONFIG_ERPS_H
#define XD_POSIX_CONFIG_HUB_CONFIG_ERPS_H

#include "posix/config/hub_config.h"
#include "shared/config.h"

#define XD_CONFIG_ERPS_MAX 16

/* Of one element of the map `erps`. */
extern const struct xd_config_key xd_config_erp_keys[];

/* What its keys alone cannot tell: which belong to which type of ERP, and which ERP serves which tenant.
 * Complains; fills in what is left out and has another default for each type. */
void xd_config_erps_check(struct xd_hub_program_config *config, struct xd_buffer *errors);

#endif
