/* The two halves of the registry's table. Used by registry.c only. */
#ifndef XD_DOCUMENTS_REGISTRY_TABLE_H
#define XD_DOCUMENTS_REGISTRY_TABLE_H

#include "documents/registry.h"

extern const struct xd_code xd_registry_problems[];   /* ended by a row without code */
extern const struct xd_code xd_registry_exceptions[]; /* the same */

#endif
