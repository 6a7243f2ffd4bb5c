#include "posix/config/checks.h"

#include "base/id.h"
#include "shared/config.h"
#include "shared/values.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE_MAX 32

const char *const xd_log_level_names[] = {"debug", "info", "warning", "error", NULL};

static void complain_if(bool wrong, const struct xd_config *config, struct xd_buffer *errors,
                        const char *section, const char *key, const char *what) {
    if (wrong) {
        char path[64];
        snprintf(path, sizeof path, "%s.%s", section, key);
        xd_config_complain(config, errors, path, "%s", what);
    }
}

/* amqps, mqtts, https: the s before the colon. */
static bool is_tls(const char *url) {
    size_t scheme_size = strcspn(url, ":");
    return scheme_size > 0 && url[scheme_size - 1] == 's';
}

const char *xd_check_site(const char *text) {
    return xd_site_name_valid(text) ? NULL : "must be 1 to 32 of A-Z, 0-9, _ and -";
}

const char *xd_check_kid(const char *text) {
    size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    return size > 0 && size <= NAME_SIZE_MAX && text[size] == '\0'
               ? NULL
               : "must be 1 to 32 of A-Z, a-z, 0-9, _, . and -";
}

const char *xd_check_name(const char *text) {
    return xd_check_kid(text);
}

const char *xd_check_loopback(const char *text) {
    return !xd_value_host_port(text, 0) || xd_value_is_loopback(text)
               ? NULL
               : "must be a loopback address (127.0.0.1:9101): nobody is asked for a password there";
}

void xd_check_state_dir(const struct xd_config *config, const char *folder, struct xd_buffer *errors,
                        struct xd_buffer *notes) {
    struct stat status;
    char parent[4096];
    if (stat(folder, &status) == 0) {
        if (!S_ISDIR(status.st_mode)) {
            xd_config_complain(config, errors, "state_dir", "%s is not a folder", folder);
        } else if (access(folder, W_OK | X_OK) != 0) {
            xd_config_complain(config, notes, "state_dir", "%s cannot be written by this user: %s", folder,
                               strerror(errno));
        }
        return;
    }
    if (errno != ENOENT) {
        xd_config_complain(config, errors, "state_dir", "%s: %s", folder, strerror(errno));
        return;
    }
    snprintf(parent, sizeof parent, "%s", folder);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent ? 1 : 0] = 0; /* the program makes one folder, not those above it */
    }
    if (stat(parent, &status) != 0) {
        xd_config_complain(config, errors, "state_dir", "%s cannot be created: %s: %s", folder, parent,
                           strerror(errno));
    } else if (access(parent, W_OK | X_OK) != 0) {
        xd_config_complain(config, notes, "state_dir", "%s cannot be created by this user: %s", folder,
                           strerror(errno));
    }
}

void xd_check_tls(const struct xd_config *config, struct xd_buffer *errors, const char *section,
                  const struct xd_check_tls *tls) {
    complain_if(tls->cert_file != NULL && tls->key_file == NULL, config, errors, section, "cert_file",
                "needs a key_file");
    complain_if(tls->key_file != NULL && tls->cert_file == NULL, config, errors, section, "key_file",
                "needs a cert_file");
    bool plain = tls->url != NULL && !is_tls(tls->url);
    complain_if(plain && tls->ca_file != NULL, config, errors, section, "ca_file",
                "has no effect: the address is one without TLS");
    complain_if(plain && tls->cert_file != NULL, config, errors, section, "cert_file",
                "has no effect: the address is one without TLS");
}
