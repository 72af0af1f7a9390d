//! The kind `webhook`: a signed POST, after the Standard Webhooks specification.
