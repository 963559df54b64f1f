import type { PipelinePromotion, PromotionTarget } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; pipeline_id: string; source_app_id: string; source_release_id: string; created_at: string; updated_at: string };
type TargetRow = { id: string; promotion_id: string; app_id: string; release_id: string | null; status: PromotionTarget["status"]; error_message: string | null };
const COLUMNS = "id, pipeline_id, source_app_id, source_release_id, created_at, updated_at";
const TARGET = "id, promotion_id, app_id, release_id, status, error_message";

export type PipelinePromotions = ReturnType<typeof createPipelinePromotions>;

/** Promotions: which release went to which apps, and what came of it. */
export function createPipelinePromotions(db: Db) {
  const insert = db.prepare(`INSERT INTO pipeline_promotions (${COLUMNS}) VALUES (@id, @pipelineId, @sourceAppId, @sourceReleaseId, @createdAt, @updatedAt)`);
  const byId = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM pipeline_promotions WHERE id = ?`);
  const addTarget = db.prepare(`INSERT INTO pipeline_promotion_targets (${TARGET}) VALUES (@id, @promotionId, @appId, @releaseId, @status, @errorMessage)`);
  const targets = db.prepare<[string], TargetRow>(`SELECT ${TARGET} FROM pipeline_promotion_targets WHERE promotion_id = ? ORDER BY id`);
  const settle = db.prepare("UPDATE pipeline_promotion_targets SET release_id = @releaseId, status = @status, error_message = @errorMessage WHERE id = @id");
  const touch = db.prepare("UPDATE pipeline_promotions SET updated_at = ? WHERE id = ?");
  const abandon = db.prepare("UPDATE pipeline_promotion_targets SET status = 'failed', error_message = ? WHERE status = 'pending'");
  return {
    insert(promotion: PipelinePromotion, its: PromotionTarget[]): void {
      db.transaction(() => {
        insert.run(promotion);
        for (const target of its) addTarget.run(target);
      })();
    },
    find(id: string): PipelinePromotion | undefined {
      const row = byId.get(id);
      return row && { id: row.id, pipelineId: row.pipeline_id, sourceAppId: row.source_app_id, sourceReleaseId: row.source_release_id, createdAt: row.created_at, updatedAt: row.updated_at };
    },
    targets: (promotionId: string): PromotionTarget[] =>
      targets.all(promotionId).map((row) => ({ id: row.id, promotionId: row.promotion_id, appId: row.app_id, releaseId: row.release_id, status: row.status, errorMessage: row.error_message })),
    settle(target: PromotionTarget, now: string): void {
      settle.run(target);
      touch.run(now, target.promotionId);
    },
    /** Those that nobody works on any more: the platform was stopped. */
    abandon: (why: string): void => void abandon.run(why),
  };
}
