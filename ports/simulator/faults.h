/* The catalogue of what goes wrong (see FAULTS in the design): each kind has a name, a
 * class that a person can switch off, and how often it may come in a day of one site.
 * Which kinds a world knows, and how often, is drawn from its seed. */
#ifndef XD_SIMULATOR_FAULTS_H
#define XD_SIMULATOR_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum xd_fault_class {
    XD_FAULTS_LINE,
    XD_FAULTS_BROKER,
    XD_FAULTS_WMS,
    XD_FAULTS_CHANNEL,
    XD_FAULTS_ERP,
    XD_FAULTS_PROCESS,
    XD_FAULTS_STORAGE,
    XD_FAULTS_MEMORY,
    XD_FAULTS_CLOCK,
    XD_FAULTS_FORGERY,
    XD_FAULTS_CLASSES
};
extern const char *const xd_fault_class_names[];

enum xd_fault {
    /* line */
    XD_FAULT_LINE_CUT,
    XD_FAULT_LINE_FLAP,
    XD_FAULT_LINE_DEAD_UP,
    XD_FAULT_LINE_DEAD_DOWN,
    XD_FAULT_LINE_SLOW,
    XD_FAULT_LINE_LOST_CONFIRM,
    XD_FAULT_LINE_REORDER,
    XD_FAULT_LINE_DUPLICATE,
    XD_FAULT_LINE_GARBLE,
    XD_FAULT_LINE_WEEK,
    /* broker */
    XD_FAULT_BROKER_KILL,
    XD_FAULT_BROKER_WIPE,
    XD_FAULT_BROKER_PURGE_HUB,
    XD_FAULT_BROKER_PURGE_SITE,
    XD_FAULT_BROKER_BLOCKED,
    XD_FAULT_BROKER_UNBOUND,
    XD_FAULT_BROKER_NACK,
    XD_FAULT_BROKER_REDELIVER,
    /* site broker and WMS */
    XD_FAULT_WMS_DOWN,
    XD_FAULT_WMS_RECEIPT_LOST,
    XD_FAULT_WMS_RELEASE_LOST,
    XD_FAULT_WMS_REPEAT,
    XD_FAULT_WMS_CONFLICT,
    XD_FAULT_WMS_GARBAGE,
    XD_FAULT_WMS_FOREIGN,
    XD_FAULT_WMS_EARLY,
    XD_FAULT_WMS_UNKNOWN_RELEASE,
    XD_FAULT_WMS_SHORT,
    XD_FAULT_WMS_OVER,
    XD_FAULT_WMS_SPLIT,
    XD_FAULT_WMS_UNMATCHED_LINE,
    /* channel */
    XD_FAULT_CHANNEL_REPEAT,
    XD_FAULT_CHANNEL_OTHER_KEY,
    XD_FAULT_CHANNEL_CHANGED,
    XD_FAULT_CHANNEL_BAD,
    /* ERP */
    XD_FAULT_ERP_SLOW,
    XD_FAULT_ERP_TIMEOUT_BEFORE,
    XD_FAULT_ERP_TIMEOUT_AFTER,
    XD_FAULT_ERP_LATE,
    XD_FAULT_ERP_429,
    XD_FAULT_ERP_500,
    XD_FAULT_ERP_DOWN,
    XD_FAULT_ERP_BLIND,
    /* process */
    XD_FAULT_HUB_KILL,
    XD_FAULT_SITE_KILL,
    XD_FAULT_HUB_HANG,
    XD_FAULT_SITE_HANG,
    XD_FAULT_KILL_TWICE,
    /* storage */
    XD_FAULT_HUB_POWER,
    XD_FAULT_SITE_POWER,
    XD_FAULT_HUB_DISK_FULL,
    XD_FAULT_SITE_DISK_FULL,
    XD_FAULT_WRITE_ERROR,
    XD_FAULT_SYNC_ERROR,
    XD_FAULT_READ_ERROR,
    XD_FAULT_SITE_LYING_SYNC,
    XD_FAULT_SITE_OLD_COPY,
    XD_FAULT_HUB_OLD_COPY,
    XD_FAULT_SITE_GARBLED,
    /* memory */
    XD_FAULT_HUB_NO_MEMORY,
    XD_FAULT_SITE_NO_MEMORY,
    /* clock */
    XD_FAULT_CLOCK_JUMP,
    XD_FAULT_CLOCK_FREEZE,
    XD_FAULT_CLOCK_DRIFT,
    /* forgery */
    XD_FAULT_FORGED_SIGNATURE,
    XD_FAULT_FORGED_SITE,
    XD_FAULT_REPLAYED,
    /* New ones stand at the end: what a seed draws of the others stays as it was. */
    XD_FAULT_SITE_CLONE, /* storage */
    XD_FAULT_SYNC_LOST,  /* storage */
    /* What becomes of orders: only some worlds know any of it (xd_fault_is_trade). */
    XD_FAULT_CHANNEL_CANCEL,       /* channel */
    XD_FAULT_CHANNEL_CANCEL_LINES, /* channel */
    XD_FAULT_CHANNEL_REVISE,       /* channel */
    XD_FAULT_CHANNEL_POLICY,       /* channel */
    XD_FAULT_WMS_REFUSE,           /* wms */
    XD_FAULT_WMS_KEEP,             /* wms */
    XD_FAULT_WMS_DEFY,             /* wms */
    XD_FAULT_WMS_RESERVE,          /* wms */
    XD_FAULT_WMS_BACKORDER,        /* wms */
    XD_FAULT_ERP_STOCK,            /* erp */
    XD_FAULT_WMS_AWAITED,          /* wms */
    /* As Tryton was seen to. */
    XD_FAULT_ERP_HALF_WAY,     /* erp */
    XD_FAULT_ERP_NOTHING_DONE, /* erp */
    XD_FAULT_ERP_REFUSES,      /* erp */
    XD_FAULT_WMS_CORRECTS,     /* wms; trade, too */
    XD_FAULT_WMS_VOIDS,        /* wms; trade, too */
    XD_FAULT_ERP_BOOKS,        /* erp */
    XD_FAULT_ERP_SELLS,        /* erp: its own people do */
    XD_FAULT_WMS_RESERVE_LATE, /* wms; trade, too */
    XD_FAULT_CHANNEL_WAVE,     /* channel: orders come many at once */
    XD_FAULT_WMS_BATCH,        /* wms: it says what it has to say every few minutes */
    XD_FAULT_COUNT
};

struct xd_fault_kind {
    const char *name;
    enum xd_fault_class class;
    /* For those that happen at times of their own: how often in a day of one site, in
     * thousandths, at most. 0: it hits documents and calls instead, and rate_max is per million. */
    uint32_t day_max, rate_max;
};
extern const struct xd_fault_kind xd_fault_kinds[XD_FAULT_COUNT];

/* Whether it is no fault at all, but what channels, warehouses and stock do to orders. */
bool xd_fault_is_trade(enum xd_fault fault);

#endif
