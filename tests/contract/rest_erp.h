/* The REST connector in front of tests/support/rest_erp.py, by the sample description. */
#ifndef XD_TESTS_CONTRACT_REST_ERP_H
#define XD_TESTS_CONTRACT_REST_ERP_H

#include "contract/erps.h"

extern const struct erp_maker rest_erp_maker;

/* Starts the server with the maker's data in folder; what was started before is ended. options: further
 * arguments, NULL-terminated, or NULL. The file "erp.yaml" in folder is the sample, for this server. */
void rest_erp_start(const char *folder, const char *const *options);
/* The sample's text with each "old" of pairs ("old", "new", ..., NULL) replaced, into folder/erp.yaml; a text
 * that is not there fails the test. */
void rest_erp_describe(const char *folder, const char *const *pairs);
void rest_erp_stop(void);
/* The next requests to path meet this fault (rest_erp.py names them); after: of Retry-After, "" none. */
void rest_erp_fault(const char *kind, const char *path, const char *method, int times, const char *after);
/* How many requests of that kind came ("GET orders", "POST token"). */
int64_t rest_erp_seen(const char *what);

#endif
