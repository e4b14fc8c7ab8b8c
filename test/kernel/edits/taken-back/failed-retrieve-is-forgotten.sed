# kernel/liveupdate/luo_file.c
# Takes back what ends CVE-2026-43489: a retrieve that failed is tried again, on what the first one has freed.
/^int luo_retrieve_file(/,/^}/{
/^\t\tluo_file->retrieve_status = err;/d
}
