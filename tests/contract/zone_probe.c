/* Decodes the TZif file named by argv[1] and answers questions, one a line of standard input:
 * "u MS" -> "DATE MINUTE OFFSET_S" of that instant; "l DATE MINUTE" -> the instant in ms. */
#include "base/zone.h"

#include <stdio.h>
#include <string.h>

static int read_zone(const char *path, struct xd_zone *zone) {
    static uint8_t bytes[XD_ZONE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 1;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    return xd_zone_decode(xd_bytes_of(bytes, size), zone) == XD_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    struct xd_zone zone;
    char line[128], date[32];
    long long at = 0;
    int minute = 0;
    if (argc != 2 || read_zone(argv[1], &zone) != 0) {
        (void)fputs("usage: zone_probe TZIF-FILE <questions\n", stderr);
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "u %lld", &at) == 1) {
            struct xd_local local = xd_zone_local(&zone, at);
            printf("%s %d %d\n", xd_date_write(local.days, date), local.minute,
                   (int)xd_zone_offset_s(&zone, at));
        } else if (sscanf(line, "l %31s %d", date, &minute) == 2) {
            struct xd_local local = {.minute = minute};
            xd_ms instant = 0;
            enum xd_result result = xd_date_parse(date, &local.days);
            result = result == XD_OK ? xd_zone_instant(&zone, local, &instant) : result;
            printf("%lld\n", result == XD_OK ? (long long)instant : -1LL);
        }
    }
    xd_zone_free(&zone);
    return 0;
}
