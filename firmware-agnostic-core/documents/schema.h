/* One table-driven reader for all documents.
 *
 * A document's shape is a table of fields; the reader walks it against the
 * parsed JSON, fills a C struct by offsets and reports every deviation with its
 * JSON pointer. Text in the struct is borrowed from the parsed tree; arrays come
 * from the document's arena: both live until xd_document_free. The turn's thread. */
#ifndef XD_DOCUMENTS_SCHEMA_H
#define XD_DOCUMENTS_SCHEMA_H

#include "base/arena.h"
#include "base/crypto.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/time.h"
#include "documents/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an offset is XD_NO_OFFSET the member is checked, but not kept in the struct. */
enum xd_field_type {
    XD_FIELD_TEXT,     /* const char *: min..max bytes (max 0: XD_TEXT_MAX); no control characters */
    XD_FIELD_ID,       /* const char *: as TEXT, 1..max of printable ASCII without space */
    XD_FIELD_DECIMAL,  /* struct xd_decimal + bool has_ at offset2; JSON string only, a number is bad_decimal
                        */
    XD_FIELD_QUANTITY, /* as DECIMAL, not negative (negative_quantity); min 1: not zero either (zero_quantity)
                        */
    XD_FIELD_PRICE,    /* as DECIMAL, not negative (negative_price) */
    XD_FIELD_INTEGER,  /* int64_t: JSON number, whole, min..max (max 0: 2^31-1; XD_INTEGER_WIDE: 2^53-1) */
    XD_FIELD_BOOLEAN,  /* bool */
    XD_FIELD_ENUM,     /* int: index into names; -1 when absent */
    XD_FIELD_TIME,     /* xd_ms; 0 when absent; offset2: const char *, the text as it came */
    XD_FIELD_DATE,     /* const char * */
    XD_FIELD_OBJECT,   /* nested struct at offset (0: the outer one), by `fields`; bool present at offset2 */
    XD_FIELD_ARRAY,    /* pointer at offset, size_t count at offset2, elements by `fields`; max elements */
    XD_FIELD_TEXTS, /* const char ** at offset, size_t count at offset2; min..max elements by fields[0] (NULL:
                       TEXT) */
    XD_FIELD_ANY,   /* const cJSON *: kept as it is (attributes); max: cJSON types allowed (0: all); `fields`,
                       all XD_UNKEPT: the members of an object, or of the objects in a list */
    XD_FIELD_U64,   /* uint64_t, not less than min: decimal string; bool has_ at offset2 */
    XD_FIELD_HASH,  /* struct xd_hash: 64 hex digits; bool has_ at offset2 */
    XD_FIELD_SITE,  /* const char *: a site's name (bad_site) */
    XD_FIELD_CURRENCY, /* const char *: three capitals (bad_currency) */
    XD_FIELD_COUNTRY   /* const char *: two capitals (bad_country) */
};

#define XD_TEXT_MAX 256u
#define XD_ID_MAX 64u /* bytes of a stranger's id */
#define XD_UOM_MAX 16u
#define XD_CORRELATION_MAX 128u
#define XD_INTEGER_WIDE UINT32_MAX
#define XD_FIELDS_MAX 64u /* members of one table */

struct xd_field {
    const char *name;
    enum xd_field_type type;
    bool required;
    uint32_t max;                  /* see the types */
    uint32_t min;                  /* see the types; least elements of an array */
    size_t offset;                 /* in the struct that holds the field */
    size_t offset2;                /* see the types; XD_NO_OFFSET when unused */
    const char *const *names;      /* ENUM: NULL-terminated */
    const struct xd_field *fields; /* OBJECT, ARRAY, ANY: ended by a field without name */
    size_t element_size;           /* ARRAY: sizeof the element */
};

#define XD_NO_OFFSET ((size_t)-1)
/* Where a table's row keeps its value: in a member, in two, in the outer struct
 * (OBJECT whose fields are members of the struct that holds it), nowhere. Every
 * row names one of them: an offset2 left at 0 would be a real place. */
#define XD_AT(type, member) .offset = offsetof(type, member), .offset2 = XD_NO_OFFSET
#define XD_AT2(type, member, member2) .offset = offsetof(type, member), .offset2 = offsetof(type, member2)
#define XD_OUTER .offset = 0, .offset2 = XD_NO_OFFSET
#define XD_UNKEPT .offset = XD_NO_OFFSET, .offset2 = XD_NO_OFFSET

/* What to make of members that no table names. */
enum xd_unknown { XD_UNKNOWN_REFUSED, XD_UNKNOWN_REPORTED, XD_UNKNOWN_KEPT };

/* A parsed document. Zero-initialise before the first use. */
struct xd_document {
    cJSON *tree;
    struct xd_hash hash;   /* content hash: canonical form without content_hash, observed_at, raw_ref */
    struct xd_arena arena; /* holds the tree, too */
};

/* Parses raw (bounded by XD_JSON_SIZE_MAX and XD_JSON_DEPTH_MAX) and computes
 * the content hash. XD_INVALID: problems has one item that says where.
 * The document must be an object. Free with xd_document_free in every case. */
XD_CHECKED enum xd_result xd_document_parse(struct xd_bytes raw, struct xd_document *document,
                                            struct xd_problems *problems);
void xd_document_free(struct xd_document *document);
/* Zeroed memory that lives as long as the document, or NULL. */
void *xd_document_alloc(struct xd_document *document, size_t size);
/* The same content hash for a tree that somebody else parsed (an envelope's data). */
XD_CHECKED enum xd_result xd_document_hash(const cJSON *tree, struct xd_hash *out);

/* Reads tree by the table into out (zeroed by the call). XD_OK also with
 * warnings; XD_INVALID: problems says all that is wrong; XD_NO_MEMORY.
 * `schema_version` (1), `$schema` and `content_hash` are always allowed at the top. */
XD_CHECKED enum xd_result xd_schema_read(struct xd_document *document, const cJSON *tree,
                                         const struct xd_field *fields, enum xd_unknown unknown, void *out,
                                         struct xd_problems *problems);

/* Whether text (NULL: no) has the form of an XD_FIELD_ID: 1..XD_ID_MAX bytes of printable ASCII without
 * space. */
bool xd_schema_is_id(const char *text);

/* A decimal string without sign and leading zeros, up to 2^64 - 1. */
XD_CHECKED enum xd_result xd_schema_parse_u64(const char *text, uint64_t *out);

#endif
