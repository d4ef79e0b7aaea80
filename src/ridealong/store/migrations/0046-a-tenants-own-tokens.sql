-- Tokens of models that a tenant may spend a day (UTC): as its admin chose, and as the operator allows it in place of the
-- settings' limits (there 0 is: no limit). NULL: as the settings say.
CREATE TABLE ridealong.token_budget (
    tenant_id uuid PRIMARY KEY,
    tokens_per_day bigint,
    live_tokens_per_day bigint,
    allowed_per_day bigint,
    allowed_live_per_day bigint,
    CONSTRAINT token_budget_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT token_budget_is_something CHECK (tokens_per_day > 0 AND live_tokens_per_day > 0),
    CONSTRAINT token_budget_allows_no_less_than_nothing CHECK (allowed_per_day >= 0 AND allowed_live_per_day >= 0)
);

-- What was spent of it. Each process writes what it counted itself, so that a row can be written again without being
-- counted twice; the day's tokens are the sum.
CREATE TABLE ridealong.token_count (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    counted_by uuid NOT NULL,
    tokens bigint NOT NULL,
    live_tokens bigint NOT NULL,
    PRIMARY KEY (tenant_id, day, counted_by),
    CONSTRAINT token_count_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT token_count_holds_the_live_ones CHECK (live_tokens BETWEEN 0 AND tokens)
);

ALTER TABLE ridealong.token_budget ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.token_budget FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.token_budget
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());

ALTER TABLE ridealong.token_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.token_count FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.token_count
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());

GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.token_budget, ridealong.token_count TO ridealong_app;
