/* Small worlds by script, for the crash points (cut.h): one site, one or two documents,
 * nothing fails but what is planned. A script brings the world to where its flow begins,
 * opens the window in which points are counted, lets the flow begin, closes the window
 * when it has reached its end, and lets the world come to rest. */
#ifndef XD_SIMULATOR_SCRIPT_H
#define XD_SIMULATOR_SCRIPT_H

#include "base/time.h"

struct xd_sim;

enum xd_sim_script {
    XD_SIM_NO_SCRIPT,
    XD_SIM_SCRIPT_INTAKE,       /* a document is said, until its receipt is heard */
    XD_SIM_SCRIPT_DRAIN,        /* the line comes back, until two documents are settled */
    XD_SIM_SCRIPT_ORDER,        /* an order is sent, until the WMS has its release */
    XD_SIM_SCRIPT_RELEASE,      /* a release waits at the broker, until its answer is at the hub */
    XD_SIM_SCRIPT_CONFIRMATION, /* a confirmation is said, until it is posted and settled */
    XD_SIM_SCRIPT_ERP_BEFORE,   /* an order whose call times out and has no effect, until the sale */
    XD_SIM_SCRIPT_ERP_AFTER,    /* ... has its effect */
    XD_SIM_SCRIPT_ERP_LATE,     /* ... has its effect later */
    XD_SIM_SCRIPT_START,        /* both programs start again with work left */
    XD_SIM_SCRIPT_CHECKPOINT,   /* both stores are written back and shrunk before an order and after it */
    XD_SIM_SCRIPTS
};

extern const char *const xd_sim_script_names[XD_SIM_SCRIPTS];

/* XD_SIM_NO_SCRIPT: none has that name. */
enum xd_sim_script xd_sim_script_of(const char *name);
/* From where the sites are added to where all is at rest, and is judged. */
void xd_sim_script_run(struct xd_sim *sim);
/* How long a person takes: by chance, in a script always the same short time. */
xd_ms xd_sim_takes(struct xd_sim *sim, xd_ms least, xd_ms most);

#endif
