/* bench_fill FOLDER SITE COUNT: a site's store with a backlog, as an agent that was
 * offline for long leaves it. */
#include "bench/site_rig.h"

#include <stdlib.h>

int main(int count, char **texts) {
    if (count != 4) {
        bench_die("bench_fill", "FOLDER SITE COUNT");
    }
    struct bench_rig *rig = bench_rig_open(texts[1], texts[2]);
    bench_rig_take(rig, 1, strtoul(texts[3], NULL, 10), 512);
    bench_rig_close(rig);
    return EXIT_SUCCESS;
}
