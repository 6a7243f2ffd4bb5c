/* Two walks over the members, as the core and the programs write them: "name":value, "name":value. No JSON
 * library is asked, for lines are written on any thread. What is not of that form is copied as it is. */
#include "posix/runtime/log_text.h"

#include <stdbool.h>
#include <string.h>

struct member {
    struct xd_bytes name, value; /* a string without its quotes, anything else as it stands */
    bool text;
};

/* Behind the string that begins at the quote, or NULL. */
static const char *string_end(const char *at) {
    for (at++; *at != '\0' && *at != '"'; at++) {
        at += at[0] == '\\' && at[1] != '\0' ? 1 : 0;
    }
    return *at == '"' ? at + 1 : NULL;
}

/* Behind a value: where the next comma or the end is, strings and brackets passed over. NULL: it has no end.
 */
static const char *value_end(const char *at) {
    int depth = 0;
    while (at != NULL && *at != '\0' && (depth > 0 || *at != ',')) {
        depth += *at == '{' || *at == '[' ? 1 : *at == '}' || *at == ']' ? -1 : 0;
        at = *at == '"' ? string_end(at) : at + 1;
    }
    return depth == 0 ? at : NULL;
}

/* Takes the first of *at, which moves on. False: there is none, or none that can be read. */
static bool next_member(const char **at, struct member *out) {
    const char *name = *at + (**at == ',' ? 1 : 0);
    const char *colon = *name == '"' ? string_end(name) : NULL;
    const char *end = colon != NULL && *colon == ':' ? value_end(colon + 1) : NULL;
    if (end == NULL) {
        return false;
    }
    const char *value = colon + 1;
    size_t size = (size_t)(end - value);
    out->text = size >= 2 && value[0] == '"' && value[size - 1] == '"';
    out->name = xd_bytes_of(name + 1, (size_t)(colon - name) - 2);
    out->value = out->text ? xd_bytes_of(value + 1, size - 2) : xd_bytes_of(value, size);
    *at = end;
    return true;
}

static void add_value(struct xd_buffer *out, const struct member *member, bool quoted) {
    const uint8_t *text = member->value.data;
    for (size_t at = 0; at < member->value.size; at++) {
        bool escape = member->text && text[at] == '\\' && at + 1 < member->value.size &&
                      strchr("\"\\/", text[at + 1]) != NULL;
        at += escape && !(quoted && text[at + 1] == '"') ? 1 : 0;
        xd_buffer_byte(out, text[at]);
    }
}

static bool is_detail(const struct member *member) {
    return member->text && member->name.size == 6 && memcmp(member->name.data, "detail", 6) == 0;
}

void xd_log_text_members(struct xd_buffer *out, const char *members) {
    const char *at = members != NULL ? members : "";
    struct member member;
    while (next_member(&at, &member)) {
        if (is_detail(&member)) {
            xd_buffer_byte(out, ' ');
            add_value(out, &member, false);
        }
    }
    const char *rest = at; /* what the first walk could not read */
    at = members != NULL ? members : "";
    while (next_member(&at, &member)) {
        if (is_detail(&member)) {
            continue;
        }
        bool quoted =
            member.text && (member.value.size == 0 || memchr(member.value.data, ' ', member.value.size));
        xd_buffer_byte(out, ' ');
        xd_buffer_add(out, member.name.data, member.name.size);
        xd_buffer_text(out, quoted ? "=\"" : "=");
        add_value(out, &member, quoted);
        xd_buffer_text(out, quoted ? "\"" : "");
    }
    xd_buffer_text(out, *rest != '\0' ? " " : "");
    xd_buffer_text(out, rest);
}
