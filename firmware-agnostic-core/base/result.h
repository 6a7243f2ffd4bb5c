/* One enumeration of outcomes for the whole system.
 *
 * 0 is fine; the rest say what kind of failure it is, so that a caller can tell
 * by type what may be tried again (XD_AGAIN, XD_UNAVAILABLE, XD_FULL) from what
 * is final. Results travel by return value, data by out-parameter. A function
 * that fails leaves state as it was unless its header says otherwise. */
#ifndef XD_BASE_RESULT_H
#define XD_BASE_RESULT_H

enum xd_result {
    XD_OK = 0,
    XD_INVALID,     /* the input is wrong and stays wrong */
    XD_NOT_FOUND,   /* no such thing */
    XD_DUPLICATE,   /* the identical thing is already there */
    XD_CONFLICT,    /* another thing of the same name is already there */
    XD_AGAIN,       /* not now; the same call may succeed later */
    XD_UNAVAILABLE, /* the other side cannot be reached */
    XD_FULL,        /* a quota, a disk or a bounded queue is full */
    XD_CORRUPT,     /* stored or received bytes contradict their hash */
    XD_DENIED,      /* not authentic or not allowed */
    XD_NO_MEMORY,   /* an allocation failed */
    XD_IO,          /* the operating system failed; after a failed fsync: stop */
    XD_UNKNOWN,     /* the call may or may not have taken effect */
    XD_RESULT_COUNT
};

/* A short lower-case name ("conflict"), for logs. Never NULL. */
const char *xd_result_name(enum xd_result result);

#define XD_CHECKED __attribute__((warn_unused_result))

#endif
