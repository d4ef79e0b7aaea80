-- One webhook whose address is slow keeps no other waiting: of each, one delivery is under way.
DROP FUNCTION ridealong.due_deliveries;

CREATE FUNCTION ridealong.due_deliveries(busy uuid[], wanted integer)
    RETURNS TABLE (tenant_id uuid, webhook_id uuid, delivery_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT f.tenant_id, f.webhook_id, f.delivery_id FROM (
        SELECT DISTINCT ON (d.webhook_id) d.tenant_id, d.webhook_id, d.delivery_id, d.due_at FROM (
            SELECT w.tenant_id, w.webhook_id, w.delivery_id, w.due_at FROM ridealong.webhook_delivery w
            WHERE w.due_at <= now() AND w.webhook_id <> ALL (busy) ORDER BY w.due_at LIMIT 1000) d
        ORDER BY d.webhook_id, d.due_at, d.delivery_id) f
    ORDER BY f.due_at, f.delivery_id LIMIT wanted;
$lookup$;

REVOKE ALL ON FUNCTION ridealong.due_deliveries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.due_deliveries TO ridealong_app;
GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
ALTER FUNCTION ridealong.due_deliveries OWNER TO ridealong_lookup;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
