/* The strict reading of RFC 8259 in front of cJSON: what is refused, and where.
 * Nothing is built, nothing allocated. For base/json.c; any thread. */
#ifndef XD_BASE_JSON_SCAN_H
#define XD_BASE_JSON_SCAN_H

#include "base/bytes.h"

#include <cjson/cJSON.h>

#define XD_JSON_MALFORMED "malformed_json"
#define XD_JSON_NESTING_MAX ((unsigned)CJSON_NESTING_LIMIT - 1u)

struct xd_json_scan {
    const uint8_t *start, *end;
    const uint8_t *at;  /* how far it came; when it failed, what is wrong */
    const uint8_t *key; /* the name of the last member, at its quote */
    size_t values;      /* seen so far */
    size_t stop_value;  /* stops in front of this one, counted from 0 in the order of the text */
    unsigned depth, depth_max;
    const char *code, *detail;      /* set when it failed; static text */
    char open[XD_JSON_NESTING_MAX]; /* '{' or '[' for each container that is open */
};

/* text is borrowed while the scan is used, and is well-formed UTF-8.
 * stop_value SIZE_MAX: never stop. depth_max is at most XD_JSON_NESTING_MAX. */
void xd_json_scan_init(struct xd_json_scan *scan, struct xd_bytes text, unsigned depth_max,
                       size_t stop_value);

/* True at the end of a good text, or in front of stop_value; false with code,
 * detail and at. Call once. */
bool xd_json_scan_text(struct xd_json_scan *scan);

#endif
