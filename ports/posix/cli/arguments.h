/* Reads the command line by the tables of verbs and options. */
#ifndef XD_POSIX_CLI_ARGUMENTS_H
#define XD_POSIX_CLI_ARGUMENTS_H

#include "posix/cli/cli.h"

struct xd_verb {
    const char *name;     /* one word or two: "orders list" */
    const char *argument; /* a word or two, those in brackets may be left out; NULL: nothing */
    const char *summary;
    const char *help; /* paragraphs */
    uint64_t options; /* XD_OPTION_BIT of its own */
    int (*run)(struct xd_cli *cli);
};

struct xd_option_row {
    const char *name;  /* without the dashes */
    const char *value; /* what it wants; NULL: nothing */
    const char *help;
};

extern const struct xd_verb xd_verbs[]; /* ends with a NULL name */
extern const struct xd_option_row xd_options[XD_OPTION_COUNT];

/* -1: cli->verb is to be run. Otherwise the exit status: help or version is in
 * cli->out, or a complaint was told. */
int xd_arguments_read(int count, char **texts, struct xd_cli *cli);

/* The name nearest to text among count names, or NULL when none is near. */
const char *xd_arguments_nearest(const char *text, const char *const *names, size_t count);

#endif
