/* Configuration files: YAML read by a table of keys into a C struct by offsets.
 *
 * The table is the whole truth: a key that it does not name is refused, a missing
 * one gets its default or is an error, and each complaint says where
 * (`file:line:column: what`). Order of calls: xd_config_load, any number of
 * xd_config_complain (what one key alone cannot tell), xd_config_free.
 * Any thread, one at a time. */
#ifndef XD_SHARED_CONFIG_H
#define XD_SHARED_CONFIG_H

#include "base/bytes.h"
#include "base/result.h"
#include "shared/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_CONFIG_SIZE_MAX ((size_t)256 * 1024) /* bytes of a configuration file */
#define XD_CONFIG_SECRET_SIZE_MAX ((size_t)4096)
#define XD_CONFIG_ERRORS_MAX 20 /* complaints told at once */

enum xd_config_type {
    XD_CONFIG_END = 0, /* ends a table */
    XD_CONFIG_TEXT,    /* const char *: 1..max bytes (max 0: 1024), no control characters */
    XD_CONFIG_INTEGER, /* int64_t: min..max */
    XD_CONFIG_BOOLEAN, /* bool: true or false */
    XD_CONFIG_CHOICE,  /* int: index into names */
    XD_CONFIG_DECIMAL, /* const char *: a decimal (base/decimal.h), not negative */
    XD_CONFIG_PATH,    /* const char *: absolute; relative ones start at the configuration file's folder */
    XD_CONFIG_FILE,    /* as PATH; must be a readable file */
    XD_CONFIG_FOLDER,  /* as PATH; must be a folder */
    XD_CONFIG_SECRET,  /* names a file; const char *: its contents without the line end */
    XD_CONFIG_URL,     /* const char *: scheme://host:port, scheme one of names */
    XD_CONFIG_LISTEN,  /* const char *: host:port; port 0 picks a free one */
    XD_CONFIG_KEY,     /* struct xd_bytes: hexadecimal, min..max bytes */
    XD_CONFIG_TEXTS,   /* const char *const * at offset, size_t count at count_offset: a list of at most max
                          texts, each as TEXT */
    XD_CONFIG_NODE,    /* const struct xd_tree_node *: whatever stands there, for the caller to read */
    XD_CONFIG_SECTION, /* nested struct at offset, by `keys` */
    XD_CONFIG_MAP /* pointer at offset, size_t count at count_offset: min..max sections by name; an element's
                     first member is its name (const char *) */
};

struct xd_config_key {
    const char *name;
    enum xd_config_type type;
    bool required;
    const char *fallback;     /* the default, as it would be written; NULL: none (NULL, 0, false, -1) */
    int64_t min, max;         /* see the types */
    size_t offset;            /* in the struct that holds the key */
    size_t count_offset;      /* MAP, TEXTS */
    size_t element_size;      /* MAP */
    const char *const *names; /* CHOICE, URL: NULL-terminated */
    const struct xd_config_key *keys; /* SECTION, MAP */
    const char *wanted;               /* MAP: told when there are too few or too many; NULL: their numbers */
    /* What is wrong with the text (a name, in a MAP; each one, in a list), or NULL; may be NULL. */
    const char *(*check)(const char *text);
};

/* A loaded file: owns every text, array and secret that the struct points to. */
struct xd_config;

/* Reads the file at path by keys into out, which the caller zeroed. XD_INVALID: errors
 * (initialised by the caller, appended to) has a line for each complaint; nothing in out may be used.
 * XD_NO_MEMORY. The file is at most XD_CONFIG_SIZE_MAX, one document, without
 * anchors, aliases, tags and duplicate keys. */
XD_CHECKED enum xd_result xd_config_load(const char *path, const struct xd_config_key *keys, void *out,
                                         struct xd_buffer *errors, struct xd_config **config);

/* Adds a complaint to errors at the key with this dotted path ("erps.main.data"), or, where the
 * file does not have it, at the nearest section that it has. */
void xd_config_complain(const struct xd_config *config, struct xd_buffer *errors, const char *path,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same at a place of an XD_CONFIG_NODE. */
void xd_config_complain_at(const struct xd_config *config, struct xd_buffer *errors, struct xd_tree_mark at,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Text that lives as long as config, or NULL (no memory). */
const char *xd_config_format(struct xd_config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Overwrites and frees all that the file gave. NULL is allowed. */
void xd_config_free(struct xd_config *config);

#endif
