/* From an ERP's entries to those of hub/erp.h: a map of the description says for each of our members where it
 * is in theirs.
 *
 *   ours: path                        where it is (shared/json_tree.h)
 *   ours: {path: p, table: t}         and what the table says of it: for states, and what is true or false
 *   ours: {path: p, default: v}       v where it is not there
 *   ours: {value: v}                  v, whatever they say
 *   lines: {path: p, map: {...}}      an array: each element by the inner map. The same for uoms
 *   ship_to: {map: {...}}             an object; {path: p, map: {...}} when it is one of theirs. null when
 *                                     nothing of it is there
 *   address: [p, q]                   a list of texts from several places; so are gtins
 *
 * What has another type than ours (a quantity that is no number, say) is null: an entry that is wrong is
 * seen as such, and stops none of the others. */
#ifndef XD_ERP_REST_MAPPING_H
#define XD_ERP_REST_MAPPING_H

#include "erp/rest/template.h"
#include "hub/erp.h"
#include "shared/json_tree.h"

/* Whether map fits the list; else *wrong is where it does not (NULL: something is missing), and why. */
bool xd_rest_map_check(const struct xd_tree_node *map, enum xd_erp_list what,
                       const struct xd_tree_node *tables, const struct xd_tree_node **wrong,
                       char why[XD_REST_WHY_SIZE]);
/* Appends the entry as one of ours. */
void xd_rest_map_write(const struct xd_tree_node *map, enum xd_erp_list what,
                       const struct xd_tree_node *tables, const struct xd_node *entry, struct xd_buffer *out);

#endif
