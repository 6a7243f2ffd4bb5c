/* The table meets the tree.
 *
 * A section is read in two passes: every key of the table takes its node or its
 * default, then every node that no key of the table names is refused. Complaints
 * are collected with their place, at most XD_CONFIG_ERRORS_MAX, and written in
 * the file's order; reading goes on after one, so that all are told at once.
 * Defaults pass through the same conversion as what is written in the file. */
#include "shared/config.h"

#include "base/crypto.h"
#include "base/decimal.h"
#include "base/memory.h"
#include "shared/tree.h"
#include "shared/values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE_MAX 1024
#define WHAT_SIZE 320
#define KEY_PATH_SIZE 128

struct xd_config {
    struct xd_tree_memory memory;
    const char *path;   /* as the caller wrote it: complaints begin with it */
    const char *folder; /* absolute: where relative paths start */
    struct xd_tree_node *root;
};

struct complaint {
    struct xd_tree_mark at;
    char what[WHAT_SIZE];
};

struct reader {
    struct xd_config *config;
    struct complaint *complaints; /* XD_CONFIG_ERRORS_MAX of them, in the file's order */
    size_t complaint_count;
    bool no_memory;
};

/* Where a value stands: for the dotted names in complaints, and for their line and column. */
struct place {
    const struct place *up; /* NULL: the file itself */
    const char *name;
    struct xd_tree_mark at; /* of the key; of the section around it when the key is missing */
    struct xd_tree_mark value_at;
};

static void write_name(const struct place *place, char *out, size_t size) {
    if (place->up == NULL) {
        snprintf(out, size, "%s", "the file");
        return;
    }
    char up[KEY_PATH_SIZE] = "";
    if (place->up->up != NULL) {
        write_name(place->up, up, sizeof up);
    }
    snprintf(out, size, "%.*s%s%.*s", KEY_PATH_SIZE / 2 - 2, up, up[0] == '\0' ? "" : ".",
             KEY_PATH_SIZE / 2 - 2, place->name);
}

static bool is_before(struct xd_tree_mark a, struct xd_tree_mark b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* Keeps the complaints sorted; the last of too many falls off. */
static void complain_at(struct reader *reader, struct xd_tree_mark at, const char *what) {
    size_t index = reader->complaint_count;
    while (index > 0 && is_before(at, reader->complaints[index - 1].at)) {
        index--;
    }
    if (index == XD_CONFIG_ERRORS_MAX) {
        return;
    }
    size_t behind = reader->complaint_count - index;
    if (reader->complaint_count == XD_CONFIG_ERRORS_MAX) {
        behind--;
    } else {
        reader->complaint_count++;
    }
    memmove(&reader->complaints[index + 1], &reader->complaints[index],
            behind * sizeof reader->complaints[0]);
    reader->complaints[index].at = at;
    snprintf(reader->complaints[index].what, WHAT_SIZE, "%s", what);
}

__attribute__((format(printf, 3, 4))) static void complain(struct reader *reader, const struct place *place,
                                                           const char *format, ...) {
    char name[KEY_PATH_SIZE];
    char text[WHAT_SIZE - KEY_PATH_SIZE - 2];
    char what[WHAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_name(place, name, sizeof name);
    snprintf(what, sizeof what, "%s: %s", name, text);
    complain_at(reader, place->value_at.line != 0 ? place->value_at : place->at, what);
}

/* "a, b or c" */
static void write_names(const char *const *names, const char *suffix, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL && used < size; i++) {
        const char *separator = i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ";
        int written = snprintf(out + used, size - used, "%s%s%s", separator, names[i], suffix);
        used += written > 0 ? (size_t)written : 0;
    }
}

/* ---- files ---- */

/* Reads a regular file of at most size_max bytes into the config's memory. NULL: why says what is wrong
 * (a constant text), or NULL when memory ran out. */
static char *read_file(struct xd_tree_memory *memory, const char *path, size_t size_max, size_t *size,
                       const char **why) {
    char *text = NULL;
    struct stat status;
    *size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &status) != 0) {
        *why = strerror(errno);
        goto out;
    }
    *why = !S_ISREG(status.st_mode) ? "not a regular file" : "too large";
    if (!S_ISREG(status.st_mode) || (size_t)status.st_size > size_max) {
        goto out;
    }
    *why = NULL;
    text = xd_tree_alloc(memory, (size_t)status.st_size + 1);
    while (text != NULL && *size < (size_t)status.st_size) {
        ssize_t got = read(file, text + *size, (size_t)status.st_size - *size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            *why = strerror(errno);
            text = NULL;
        }
        if (got <= 0) {
            break; /* an error, or the file became shorter */
        }
        *size += (size_t)got;
    }
out:
    if (file >= 0) {
        close(file);
    }
    return text;
}

static const char *absolute_path(struct reader *reader, const char *text) {
    const char *path = text[0] == '/'
                           ? xd_tree_copy(&reader->config->memory, text, strlen(text))
                           : xd_config_format(reader->config, "%s/%s", reader->config->folder, text);
    reader->no_memory |= path == NULL;
    return path;
}

/* ---- one value ---- */

static void read_text(struct reader *reader, const struct xd_config_key *key, const char *text,
                      const struct place *place, const char **out) {
    size_t size_max = key->type == XD_CONFIG_TEXT && key->max > 0 ? (size_t)key->max : TEXT_SIZE_MAX;
    if (text[0] == '\0') {
        complain(reader, place, "must not be empty");
    } else if (strlen(text) > size_max) {
        complain(reader, place, "longer than %zu bytes", size_max);
    } else if (!xd_value_printable(text)) {
        complain(reader, place, "must not have control characters");
    } else {
        *out = text;
    }
}

static void read_path(struct reader *reader, const struct xd_config_key *key, const char *text,
                      const struct place *place, const char **out) {
    const char *checked = NULL;
    read_text(reader, key, text, place, &checked);
    const char *path = checked == NULL ? NULL : absolute_path(reader, checked);
    if (path == NULL) {
        return;
    }
    struct stat status;
    bool there = stat(path, &status) == 0;
    if (key->type == XD_CONFIG_FILE && (!there || access(path, R_OK) != 0)) {
        complain(reader, place, "cannot read %s: %s", path, strerror(errno));
    } else if (key->type == XD_CONFIG_FILE && !S_ISREG(status.st_mode)) {
        complain(reader, place, "%s is not a regular file", path);
    } else if (key->type == XD_CONFIG_FOLDER && !there) {
        complain(reader, place, "%s: %s", path, strerror(errno));
    } else if (key->type == XD_CONFIG_FOLDER && !S_ISDIR(status.st_mode)) {
        complain(reader, place, "%s is not a folder", path);
    } else {
        *out = path;
    }
}

static void read_secret(struct reader *reader, const struct xd_config_key *key, const char *text,
                        const struct place *place, const char **out) {
    const char *path = NULL;
    read_path(reader, key, text, place, &path);
    if (path == NULL) {
        return;
    }
    const char *why = NULL;
    size_t size = 0;
    char *secret = read_file(&reader->config->memory, path, XD_CONFIG_SECRET_SIZE_MAX, &size, &why);
    struct place at_key = *place; /* the file is at fault, not what is written here */
    at_key.value_at.line = 0;
    if (secret == NULL) {
        reader->no_memory |= why == NULL;
        complain(reader, &at_key, "cannot read %s: %s", path, why != NULL ? why : "out of memory");
        return;
    }
    if (size > 0 && secret[size - 1] == '\n') {
        secret[--size] = '\0';
    }
    if (size > 0 && secret[size - 1] == '\r') {
        secret[--size] = '\0';
    }
    if (size == 0) {
        complain(reader, &at_key, "%s is empty", path);
    } else if (strlen(secret) != size || !xd_value_printable(secret)) {
        complain(reader, &at_key, "%s must hold one line of text without control characters", path);
    } else {
        *out = secret;
    }
}

static void read_integer(struct reader *reader, const struct xd_config_key *key, const char *text,
                         const struct place *place, int64_t *out) {
    int64_t value = 0;
    if (!xd_value_integer(text, &value)) {
        complain(reader, place, "must be a whole number");
    } else if (value < key->min || value > key->max) {
        complain(reader, place, "must be %lld to %lld, not %lld", (long long)key->min, (long long)key->max,
                 (long long)value);
    } else {
        *out = value;
    }
}

static void read_choice(struct reader *reader, const struct xd_config_key *key, const char *text,
                        const struct place *place, int *out) {
    for (int i = 0; key->names[i] != NULL; i++) {
        if (strcmp(key->names[i], text) == 0) {
            *out = i;
            return;
        }
    }
    char names[WHAT_SIZE / 2];
    write_names(key->names, "", names, sizeof names);
    complain(reader, place, "must be %s", names);
}

static void read_url(struct reader *reader, const struct xd_config_key *key, const char *text,
                     const struct place *place, const char **out) {
    const char *problem = xd_value_url_problem(text, key->names);
    if (problem == NULL) {
        read_text(reader, key, text, place, out);
        return;
    }
    char forms[WHAT_SIZE / 2];
    write_names(key->names, "://host:port", forms, sizeof forms);
    complain(reader, place, "must be %s: %s", forms, problem);
}

static void read_key_bytes(struct reader *reader, const struct xd_config_key *key, const char *text,
                           const struct place *place, struct xd_bytes *out) {
    uint8_t *bytes = xd_tree_alloc(&reader->config->memory, (size_t)key->max);
    size_t size = 0;
    if (bytes == NULL) {
        reader->no_memory = true;
    } else if (xd_hex_parse(text, bytes, (size_t)key->max, &size) != XD_OK || size < (size_t)key->min) {
        complain(reader, place, "must be %lld to %lld bytes in hexadecimal", (long long)key->min,
                 (long long)key->max);
    } else {
        *out = xd_bytes_of(bytes, size);
    }
}

static void read_scalar(struct reader *reader, const struct xd_config_key *key, const char *text,
                        const struct place *place, void *out) {
    struct xd_decimal decimal;
    const char *problem = key->check == NULL ? NULL : key->check(text);
    if (problem != NULL) {
        complain(reader, place, "%s", problem);
        return;
    }
    switch (key->type) {
    case XD_CONFIG_TEXT:
        read_text(reader, key, text, place, out);
        break;
    case XD_CONFIG_INTEGER:
        read_integer(reader, key, text, place, out);
        break;
    case XD_CONFIG_BOOLEAN:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
            complain(reader, place, "must be true or false");
        }
        *(bool *)out = strcmp(text, "true") == 0;
        break;
    case XD_CONFIG_CHOICE:
        read_choice(reader, key, text, place, out);
        break;
    case XD_CONFIG_DECIMAL:
        if (xd_decimal_parse(text, &decimal) != XD_OK || xd_decimal_sign(decimal) < 0) {
            complain(reader, place, "must be a decimal like 2.5, not negative");
        }
        *(const char **)out = text;
        break;
    case XD_CONFIG_LISTEN:
        if (!xd_value_host_port(text, 0)) {
            complain(reader, place, "must be address:port");
        }
        *(const char **)out = text;
        break;
    case XD_CONFIG_URL:
        read_url(reader, key, text, place, out);
        break;
    case XD_CONFIG_SECRET:
        read_secret(reader, key, text, place, out);
        break;
    case XD_CONFIG_KEY:
        read_key_bytes(reader, key, text, place, out);
        break;
    default:
        read_path(reader, key, text, place, out);
        break;
    }
}

/* ---- sections ---- */

static void read_section(struct reader *reader, const struct xd_config_key *keys,
                         const struct xd_tree_node *node, const struct place *place, void *out);

static void read_map(struct reader *reader, const struct xd_config_key *key, const struct xd_tree_node *node,
                     const struct place *place, void *array_out, size_t *count_out) {
    size_t count = node == NULL ? 0 : node->child_count;
    if (count < (size_t)key->min || count > (size_t)key->max) {
        if (key->wanted != NULL) {
            complain(reader, place, "%s", key->wanted);
        } else {
            complain(reader, place, "needs %lld to %lld entries, each with a name", (long long)key->min,
                     (long long)key->max);
        }
        return;
    }
    char *elements = xd_tree_alloc(&reader->config->memory, count * key->element_size);
    if (elements == NULL) {
        reader->no_memory = true;
        return;
    }
    *(void **)array_out = elements;
    *count_out = count;
    for (const struct xd_tree_node *child = node == NULL ? NULL : node->children; child != NULL;
         child = child->next) {
        struct place child_place = {place, child->key, child->key_at, {0, 0}};
        const char *problem = key->check == NULL ? NULL : key->check(child->key);
        if (problem != NULL) {
            complain(reader, &child_place, "%s", problem);
        }
        *(const char **)(void *)elements = child->key;
        read_section(reader, key->keys, child, &child_place, elements);
        elements += key->element_size;
    }
}

static void read_texts(struct reader *reader, const struct xd_config_key *key,
                       const struct xd_tree_node *node, const struct place *place, void *array_out,
                       size_t *count_out) {
    if (node == NULL || xd_tree_is_null(node)) {
        return;
    }
    if (node->kind != XD_TREE_SEQUENCE || node->child_count > (size_t)key->max) {
        complain(reader, place, "must be a list of at most %lld texts: [one, two]", (long long)key->max);
        return;
    }
    const char **texts = xd_tree_alloc(&reader->config->memory, (node->child_count + 1) * sizeof *texts);
    if (texts == NULL) {
        reader->no_memory = true;
        return;
    }
    struct xd_config_key one = {.name = key->name, .type = XD_CONFIG_TEXT, .check = key->check};
    *(const char ***)array_out = texts;
    *count_out = node->child_count;
    for (const struct xd_tree_node *child = node->children; child != NULL; child = child->next, texts++) {
        struct place child_place = {place->up, place->name, child->at, child->at};
        if (child->kind == XD_TREE_SCALAR) {
            read_scalar(reader, &one, child->text, &child_place, texts);
        } else {
            complain(reader, &child_place, "must be a list of single values");
        }
    }
}

/* A section or map that is written as nothing (`policies:`) is an empty one. */
static bool is_section_like(const struct xd_tree_node *node) {
    return node == NULL || node->kind == XD_TREE_MAP || xd_tree_is_null(node);
}

static void read_key(struct reader *reader, const struct xd_config_key *key, const struct xd_tree_node *node,
                     const struct place *place, char *section) {
    void *out = section + key->offset;
    if (key->type == XD_CONFIG_CHOICE) {
        *(int *)out = -1;
    }
    if (node == NULL && key->required) {
        complain(reader, place, "is missing");
    } else if (key->type == XD_CONFIG_SECTION || key->type == XD_CONFIG_MAP) {
        if (!is_section_like(node)) {
            complain(reader, place, "must be a section (indented keys)");
        } else if (key->type == XD_CONFIG_SECTION) {
            read_section(reader, key->keys, node, place, out);
        } else {
            read_map(reader, key, node, place, out, (size_t *)(void *)(section + key->count_offset));
        }
    } else if (key->type == XD_CONFIG_TEXTS) {
        read_texts(reader, key, node, place, out, (size_t *)(void *)(section + key->count_offset));
    } else if (key->type == XD_CONFIG_NODE) {
        *(const struct xd_tree_node **)(void *)out = node;
    } else if (node == NULL) {
        if (key->fallback != NULL) {
            read_scalar(reader, key, key->fallback, place, out);
        }
    } else if (node->kind != XD_TREE_SCALAR) {
        complain(reader, place, "must be a single value");
    } else if (xd_tree_is_null(node)) {
        complain(reader, place, "has no value");
    } else {
        read_scalar(reader, key, node->text, place, out);
    }
}

static void refuse_unknown(struct reader *reader, const struct xd_config_key *keys,
                           const struct xd_tree_node *node, const struct place *place) {
    for (const struct xd_tree_node *child = node->children; child != NULL; child = child->next) {
        const struct xd_config_key *key = keys;
        while (key->type != XD_CONFIG_END && strcmp(key->name, child->key) != 0) {
            key++;
        }
        if (key->type == XD_CONFIG_END) {
            struct place child_place = {
                place, xd_value_printable(child->key) ? child->key : "?", child->key_at, {0, 0}};
            complain(reader, &child_place, "unknown key");
        }
    }
}

static void read_section(struct reader *reader, const struct xd_config_key *keys,
                         const struct xd_tree_node *node, const struct place *place, void *out) {
    if (!is_section_like(node)) {
        complain(reader, place, "must be a section (indented keys)");
        return;
    }
    for (const struct xd_config_key *key = keys; key->type != XD_CONFIG_END; key++) {
        const struct xd_tree_node *child = xd_tree_child(node, key->name, strlen(key->name));
        struct place child_place = {place, key->name, place->at, {0, 0}};
        if (child != NULL) {
            child_place.at = child->key_at;
            child_place.value_at = child->kind == XD_TREE_SCALAR ? child->at : child->key_at;
        }
        read_key(reader, key, child, &child_place, out);
    }
    if (node != NULL) {
        refuse_unknown(reader, keys, node, place);
    }
}

/* ---- the file ---- */

/* A complaint quotes keys and names of the file, which may hold anything and may have been cut: it stays one
 * line of UTF-8. */
static void write_complaint(const struct xd_config *config, struct xd_buffer *errors, struct xd_tree_mark at,
                            const char *what) {
    char text[WHAT_SIZE + KEY_PATH_SIZE];
    snprintf(text, sizeof text, "%s", what);
    xd_text_make_printable(text);
    xd_buffer_format(errors, "%s:%zu:%zu: %s\n", config->path, at.line, at.column, text);
}

static enum xd_result find_folder(struct xd_config *config, const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? xd_copy_text(".") : xd_copy_bytes(path, (size_t)(slash - path) + 1);
    if (folder == NULL) {
        return XD_NO_MEMORY;
    }
    char *real = realpath(folder, NULL);
    xd_free(folder);
    if (real == NULL) {
        return XD_INVALID;
    }
    config->folder = xd_tree_copy(&config->memory, real, strlen(real));
    free(real);
    return config->folder == NULL ? XD_NO_MEMORY : XD_OK;
}

static enum xd_result parse_file(struct xd_config *config, const char *path, struct xd_buffer *errors) {
    struct xd_tree_mark at = {1, 1};
    char what[XD_TREE_WHY_SIZE];
    size_t size = 0;
    const char *why = NULL;
    const char *text = read_file(&config->memory, path, XD_CONFIG_SIZE_MAX, &size, &why);
    if (text == NULL && why == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = text == NULL ? XD_INVALID : find_folder(config, path);
    if (result == XD_INVALID) {
        snprintf(what, sizeof what, "cannot read the file: %s", why != NULL ? why : strerror(errno));
    } else if (result == XD_OK) {
        result = xd_tree_parse(&config->memory, xd_bytes_of(text, size), &config->root, what, &at);
    }
    if (result == XD_OK && config->root->kind != XD_TREE_MAP && !xd_tree_is_null(config->root)) {
        snprintf(what, sizeof what, "the file must consist of `key: value` lines");
        at = config->root->at;
        result = XD_INVALID;
    }
    if (result == XD_INVALID) {
        write_complaint(config, errors, at, what);
    }
    return result;
}

static enum xd_result read_root(struct xd_config *config, const struct xd_config_key *keys, void *out,
                                struct xd_buffer *errors) {
    struct reader reader = {.config = config};
    reader.complaints = xd_tree_alloc(&config->memory, XD_CONFIG_ERRORS_MAX * sizeof reader.complaints[0]);
    if (reader.complaints == NULL) {
        return XD_NO_MEMORY;
    }
    struct place place = {.at = {1, 1}};
    read_section(&reader, keys, config->root, &place, out);
    if (reader.no_memory) {
        return XD_NO_MEMORY;
    }
    for (size_t i = 0; i < reader.complaint_count; i++) {
        write_complaint(config, errors, reader.complaints[i].at, reader.complaints[i].what);
    }
    return reader.complaint_count == 0 ? XD_OK : XD_INVALID;
}

enum xd_result xd_config_load(const char *path, const struct xd_config_key *keys, void *out,
                              struct xd_buffer *errors, struct xd_config **config) {
    struct xd_config *loaded = xd_alloc(sizeof *loaded);
    *config = NULL;
    if (loaded == NULL) {
        return XD_NO_MEMORY;
    }
    loaded->path = xd_tree_copy(&loaded->memory, path, strlen(path));
    enum xd_result result = loaded->path == NULL ? XD_NO_MEMORY : parse_file(loaded, path, errors);
    if (result == XD_OK) {
        result = read_root(loaded, keys, out, errors);
    }
    if (result != XD_OK) {
        xd_config_free(loaded);
        return result;
    }
    *config = loaded;
    return XD_OK;
}

void xd_config_complain(const struct xd_config *config, struct xd_buffer *errors, const char *path,
                        const char *format, ...) {
    struct xd_tree_mark at = config->root->at;
    const struct xd_tree_node *node = config->root;
    for (const char *name = path; node != NULL && *name != '\0';) {
        size_t size = strcspn(name, ".");
        node = xd_tree_child(node, name, size);
        at = node == NULL ? at : node->key_at;
        name += size + (name[size] == '.' ? 1 : 0);
    }
    char text[WHAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char what[WHAT_SIZE + KEY_PATH_SIZE];
    snprintf(what, sizeof what, "%.*s: %s", KEY_PATH_SIZE - 3, path, text);
    write_complaint(config, errors, at, what);
}

void xd_config_complain_at(const struct xd_config *config, struct xd_buffer *errors, struct xd_tree_mark at,
                           const char *format, ...) {
    char what[WHAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    write_complaint(config, errors, at, what);
}

const char *xd_config_format(struct xd_config *config, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size < 0 ? NULL : xd_tree_alloc(&config->memory, (size_t)size + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)size + 1, format, again);
    }
    va_end(again);
    return text;
}

void xd_config_free(struct xd_config *config) {
    if (config != NULL) {
        xd_tree_free(&config->memory);
        xd_free(config);
    }
}
