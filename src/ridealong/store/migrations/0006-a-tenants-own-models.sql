-- A tenant's own choice of models, and its own accounts with their vendors. Keys are sealed by the application
-- (AES-256-GCM, bound to tenant, vendor and address), so a row that was copied elsewhere opens for nobody.

CREATE TABLE ridealong.model_choice (
    tenant_id uuid PRIMARY KEY,
    live_model text,
    review_models text[],
    verify_model text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_choice_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE
);

CREATE TABLE ridealong.vendor_account (
    tenant_id uuid NOT NULL,
    vendor text NOT NULL,
    url text NOT NULL DEFAULT '',
    sealed_key bytea,
    key_set_at timestamptz,
    PRIMARY KEY (tenant_id, vendor),
    CONSTRAINT vendor_account_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT vendor_account_has_a_key_or_an_address CHECK (sealed_key IS NOT NULL OR url <> ''),
    CONSTRAINT vendor_account_with_a_key_says_since_when CHECK ((sealed_key IS NULL) = (key_set_at IS NULL)),
    -- Format, name of the key, nonce and tag alone are 33 bytes: what is shorter was never sealed.
    CONSTRAINT vendor_account_key_is_sealed CHECK (octet_length(sealed_key) > 33)
);

-- As for all tables: the planner's samples would keep values after their tenant was erased.
ALTER TABLE ridealong.model_choice
    ALTER COLUMN live_model SET STATISTICS 0,
    ALTER COLUMN review_models SET STATISTICS 0,
    ALTER COLUMN verify_model SET STATISTICS 0;
ALTER TABLE ridealong.vendor_account
    ALTER COLUMN vendor SET STATISTICS 0,
    ALTER COLUMN url SET STATISTICS 0,
    ALTER COLUMN sealed_key SET STATISTICS 0;

ALTER TABLE ridealong.model_choice ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.model_choice FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.model_choice
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());

ALTER TABLE ridealong.vendor_account ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.vendor_account FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.vendor_account
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());

GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.model_choice, ridealong.vendor_account TO ridealong_app;
